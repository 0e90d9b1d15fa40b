"""Average regret of the classic policies for dueling bandits on Arxiv, Sushi and Cyclic, beside the lower bound."""
