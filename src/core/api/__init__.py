"""The manners that all endpoints share: views, strict input, problem details, pages, the schema."""
