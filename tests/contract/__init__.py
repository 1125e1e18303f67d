"""What an API server does, told once, and tested on two: the practice cluster and a real API server."""
