"""What backends of live models share, whatever their framework: arrays and names, no tensors."""
