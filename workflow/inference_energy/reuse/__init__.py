"""What lets others use, check and cite the data: checksums, a data package, an archive."""
