"""The page on which a reader picks a query and sees its energy."""
