"""The windows: the only room that may import kubernetes, boto3 and google-cloud-container."""
