"""The domains that densities live on: periodic grids, the circle and spheres."""
