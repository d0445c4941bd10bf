"""The page where a person colors, compares and corrects photographs."""
