"""Stock: how many of each variant stand where, how many are promised, and every movement that made it so."""
