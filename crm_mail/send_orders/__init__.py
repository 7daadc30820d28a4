"""Send orders: XML files that another program (Proscai and its like) drops into a folder, each asking for one mail."""
