"""The colorization Turing test: can people tell colored photographs from real ones?"""
