"""Long answers, agents, demand, water and carbon."""
