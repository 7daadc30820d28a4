"""What customers bought: sales lines of invoices and of the ERP, and the questions that filters ask of them."""
