"""What things mean, asked by several rules: pure derivations."""
