"""The colorization Turing test: can people tell coloured photographs from real ones?"""
