"""Questions about places: a region, a point, an area, a mask, and the cells they are."""
