"""Settings to text, pure: nothing here imports pulumi."""
