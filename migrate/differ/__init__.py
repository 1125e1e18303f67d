"""Compare what was planned with what the target shows; pure, no reading and no printing."""
