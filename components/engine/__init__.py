"""What the program asks of the engine itself, below the SDK's resources."""
