"""The mass-mailing catalogue (RP-2 to RP-13): which customers get account statements, and at which addresses.

A view on contacts and their subscriptions. What is typed or pasted here becomes contacts and subscriptions; the room
keeps nothing of its own but the list of customers that were entered.
"""
