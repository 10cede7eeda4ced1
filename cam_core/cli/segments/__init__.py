"""What `boxes` and `masks` share: a threshold, and the largest segment of each map above it."""
