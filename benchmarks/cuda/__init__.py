"""What explaining costs on a GPU."""
