"""Whether the mailer runs: signs of life of its processes, what waits in folders and queues, the last errors."""
