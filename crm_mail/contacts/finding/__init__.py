"""Finding: a filter becomes one query over parties and contacts, for a person of a given sight; its words and names."""
