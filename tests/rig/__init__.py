"""The rig: real control planes for tests, without a container engine. Nothing here ships with the tool."""
