"""The sample interview: stock footage and synthetic voices whose words are known."""
