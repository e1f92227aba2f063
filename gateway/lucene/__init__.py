"""The query language of advanced searches: Lucene's syntax as a tree, by pure functions."""
