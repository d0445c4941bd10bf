"""What is measured on a batch of photographs, and how it adds up to scores."""
