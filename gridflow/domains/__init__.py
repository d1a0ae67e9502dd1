"""Where densities live: periodic grids, the circle and spheres."""
