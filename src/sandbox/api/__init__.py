"""The gateway's wire, and its pages for shoppers."""
