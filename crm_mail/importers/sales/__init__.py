"""Sales lists: what the ERP sold, line by line, becomes purchases."""
