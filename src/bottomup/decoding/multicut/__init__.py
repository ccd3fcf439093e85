"""Candidates grouped into people by a joint node labelling and multicut (DeeperCut, ArtTrack)."""
