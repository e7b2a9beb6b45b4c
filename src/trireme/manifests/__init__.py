"""What is written for others to read: the server's configuration, and Kubernetes objects. Pure: text in, text out."""
