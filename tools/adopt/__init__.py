"""Takes over records that a live zone has already: which ones, and the lines of the stack file."""
