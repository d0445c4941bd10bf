"""The page where a person colours, compares and corrects photographs."""
