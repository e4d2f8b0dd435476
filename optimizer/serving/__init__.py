"""What a chip delivers: profiles, estimates and measured rates become routes."""
