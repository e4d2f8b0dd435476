"""The peers: one file each, which loads nothing of ours but arrays, so that it runs anywhere."""
