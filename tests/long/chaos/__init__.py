"""Mixed faults under a stream of mail; sender and checker use no code of the product."""
