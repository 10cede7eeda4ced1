"""What explaining costs, in units of the plain forward pass."""
