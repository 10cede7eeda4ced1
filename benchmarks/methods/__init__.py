"""What each method costs, and what the peers take for the same."""
