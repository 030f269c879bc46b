"""Stand-ins for plug-ins of the engine that cannot be downloaded, for the lab only."""
