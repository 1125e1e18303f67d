"""The target beside the plan: what differs, and why. Pure; deepdiff stays in here and its words never leave."""
