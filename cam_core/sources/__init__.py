"""What a model's own files say of its photos and its classes: preprocessing and labels."""
