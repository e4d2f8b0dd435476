"""What a chip delivers: the queue of a replica, and the largest rate that keeps its promises."""
