"""One model, or two, over a folder of photos: what it says, where it looks, how that differs."""
