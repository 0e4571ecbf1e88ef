"""Where we sell: countries, currency, language, and how tax is shown. Owns the markets; prices belong to products."""
