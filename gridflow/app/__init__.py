"""The web page of ``gridflow explore``: a hole is drawn or chosen, and fills before one's eyes, on this machine."""
