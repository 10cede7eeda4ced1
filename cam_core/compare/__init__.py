"""Two models on the same photos: do they look at the same thing?"""
