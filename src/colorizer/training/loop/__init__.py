"""What shapes the weights: the loop, its losses, augmentation and calibration."""
