"""What concerns the stack as a whole: configuration, outputs, refusals."""
