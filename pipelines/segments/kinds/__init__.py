"""What each kind of segmentation becomes, a kind a module."""
