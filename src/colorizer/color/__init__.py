"""Color science: CIELAB, recoloring, how much color a picture has, the quantized ab plane."""
