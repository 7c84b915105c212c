"""A folder of results: Parquet parts, manifest, summary, merging."""
