"""Design by gradients: the thinnest coating, multilayers, and how sure one can be of them."""
