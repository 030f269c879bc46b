"""What the vendor's plug-ins answer, call by call, and the stand-ins beside it."""
